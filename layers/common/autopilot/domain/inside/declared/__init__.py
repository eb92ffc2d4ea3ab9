"""The sections of a spec that say what lies inside the warehouse. A section that is left out is not managed; an empty one is."""
