"""The whole loop while its nodes are taken through their transitions."""
