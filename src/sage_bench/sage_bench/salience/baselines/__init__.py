"""What a user could do instead of salience."""
