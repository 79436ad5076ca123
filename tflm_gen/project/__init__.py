"""Generated projects: their files, their manifest, and how they are written."""
