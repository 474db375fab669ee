"""S3 on one machine: a directory, and the rows that say what lies in it."""
