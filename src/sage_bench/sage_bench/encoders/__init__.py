"""What the encoders cost and how good they are, beside the references and null baselines."""
