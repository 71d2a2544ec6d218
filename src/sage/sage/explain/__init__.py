"""Why a moment was or was not salient: asked of the running graph, a bag, or the memory."""
