"""Small real data sets, made by a script from what packages ship."""
