-- Every posted entry has an event id of its own, and was published. The relay stamps those of no creator;
-- one of a creator is published once its shard has received it (i3_received.sql).
SELECT pk || ' ' || sk AS subject, 0 AS stored, 1 AS computed, pk, NULL AS other_pk
FROM items
WHERE sk LIKE 'ENTRY#%' AND status = 'posted'
  AND (event_id IS NULL OR (settled AND creator_id IS NULL AND announced_at IS NULL))
UNION ALL
SELECT 'event ' || event_id AS subject, COUNT(*) AS stored, 1 AS computed, MIN(pk) AS pk, MAX(pk) AS other_pk
FROM items
WHERE sk LIKE 'ENTRY#%' AND status = 'posted' AND event_id IS NOT NULL
GROUP BY event_id
HAVING COUNT(*) > 1
