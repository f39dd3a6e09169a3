"""The Hugging Face Hub as a target: a child process speaks to it, bounded in time."""
