"""From an order or an event to points, with the explanation."""
