"""The tiny VAE of 32x32 pictures, distilled from a teacher."""
