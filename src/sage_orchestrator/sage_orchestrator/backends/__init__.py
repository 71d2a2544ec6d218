"""What the orchestrator uses of heavy libraries, and of what the kernel and the board say."""
