"""Salience on streams made of real recordings, with exact ground truth, beside baselines."""
