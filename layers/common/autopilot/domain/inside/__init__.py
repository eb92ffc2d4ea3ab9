"""What lies inside a warehouse: declared in its spec, compared with the catalog, planned as statements."""
