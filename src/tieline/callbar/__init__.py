"""The callbar's door: snapshot, events with sequence numbers, commands."""
