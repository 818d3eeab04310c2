"""Settings: one file of defaults with the reason for every number, one loader that refuses what is wrong."""
