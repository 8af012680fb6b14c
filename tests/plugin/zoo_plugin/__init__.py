"""Rings and discs: a family of tiny networks with a layer of their own, and the data to train them."""
