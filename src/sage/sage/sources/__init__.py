"""From what the user calls the source to sensor nodes, or to the topics of a bag."""
