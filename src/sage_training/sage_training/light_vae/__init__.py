"""The light VAE, whose latent is what refinement works in."""
