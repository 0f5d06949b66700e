"""Who runs the campaign: admins, what each role may do, and the area that they see."""
