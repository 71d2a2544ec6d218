"""A bag played into a graph: in its own time, or step by step without DDS."""
