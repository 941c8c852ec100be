"""What plays: films of every make, delivered to every kind of device, decoded again."""
