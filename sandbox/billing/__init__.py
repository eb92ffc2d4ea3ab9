"""What AWS says of money: Cost Explorer and the Price List; and the metrics that warehouses leave in CloudWatch."""
