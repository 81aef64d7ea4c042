"""What people look at: strips, the overview sheet and the HTML page."""
