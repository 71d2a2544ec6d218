"""The five dimensions of salience as raw measures, and what repetition takes away."""
