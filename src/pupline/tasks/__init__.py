"""What each Task of the workflows does, and the data it works on. No environment, no AWS: services come as ports."""
