-- The event ids of all posted entries.
SELECT event_id FROM items WHERE sk LIKE 'ENTRY#%' AND status = 'posted'
