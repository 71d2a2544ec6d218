"""Speech and sounds as numbers: spectra, words, where an utterance ends."""
