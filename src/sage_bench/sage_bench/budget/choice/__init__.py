"""What choosing among plugins by learned curves is worth, over recorded runs of real ones."""
