"""One compiled class per state type; `compile_states` of `pupline.asl._definition` makes them."""
