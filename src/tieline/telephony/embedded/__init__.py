"""The embedded switch: WebRTC legs, jitter buffers, a 20 ms mixer, music. Lives in the media process only."""
