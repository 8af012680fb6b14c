"""Model families. Each folder here is one paper; no family imports another."""
