"""The domain by capability, each with the same four names: model, schema, service, routes."""
