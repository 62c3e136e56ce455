"""From positions and activity to rate maps, their autocorrelograms, and the ring around the centre."""
