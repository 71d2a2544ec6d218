"""From raw measures to tail probabilities, and from those to false alarms an hour."""
