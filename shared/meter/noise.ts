// Bytes on a meter line that belong to no frame.

/** Noise is reported before the next frame or after this many bytes, not byte by byte. */
export const NOISE_BYTES_REPORT = 1_024
