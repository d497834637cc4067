"""What people see of a node: pure views of its state; a page, metrics and spans made of them."""
