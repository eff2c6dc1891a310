"""A store at an address: rows in a Milvus server, all else in objects."""
