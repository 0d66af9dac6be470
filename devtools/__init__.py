"""What `./dev` does once the environment stands. Part of the working copy, not of the wheel."""
