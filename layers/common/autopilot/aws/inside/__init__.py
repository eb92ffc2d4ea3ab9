"""What lies inside a warehouse: its catalog read, its plans kept, its statements sent."""
