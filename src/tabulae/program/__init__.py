"""What a table model computes: operations, shapes, their exact meaning, and how architectures compose them."""
