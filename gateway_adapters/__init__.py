"""The gateways: one file each, all of the shape that ``base`` gives."""
