-- Creators earned exactly what was spent on them: the units of both sides follow from the coins by the economy's terms.
-- Adds up wallets' entries and shards' totals only, so it is independent of what the shards list. A creator with recent
-- entries or with undelivered ones (i3_received.sql) moves, and is left to a quieter export.
SELECT 'creator ' || creator_id AS subject,
  SUM(CASE WHEN sk = 'LANE' THEN coins ELSE 0 END) AS stored,
  SUM(CASE WHEN sk LIKE 'ENTRY#%' THEN -coins ELSE 0 END) AS computed,
  NULL AS pk,
  NULL AS other_pk
FROM items
WHERE creator_id IS NOT NULL AND (sk = 'LANE' OR sk LIKE 'GIFT#%' OR (sk LIKE 'ENTRY#%' AND status = 'posted'))
GROUP BY creator_id
HAVING SUM(CASE WHEN sk = 'LANE' THEN coins WHEN sk LIKE 'ENTRY#%' THEN coins ELSE 0 END) <> 0
  AND SUM(CASE WHEN sk LIKE 'ENTRY#%' THEN 1 WHEN sk LIKE 'GIFT#%' THEN -1 ELSE 0 END) = 0
  AND SUM(CASE WHEN sk <> 'LANE' AND NOT settled THEN 1 ELSE 0 END) = 0
