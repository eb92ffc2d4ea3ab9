"""A Redshift of ours: clusters, Serverless and the Data API behind their real wire formats."""
