-- Each gift, reversal and streak end reached its creator's shard once, with all its coins; none came from nowhere.
-- Either side may lack a recent one: it was in transit, or happened after that side was read.
WITH sides AS (
  SELECT 'CREATOR#' || creator_id || '#' || COALESCE(lane, '(none)') AS shard,
    'GIFT#' || COALESCE(event_id, '(none)') AS place, pk AS wallet,
    1 AS sent, 0 AS received, CASE WHEN settled THEN 1 ELSE 0 END AS due, -coins AS sent_coins, 0 AS received_coins
  FROM items
  WHERE sk LIKE 'ENTRY#%' AND status = 'posted' AND creator_id IS NOT NULL
  UNION ALL
  SELECT pk AS shard, sk AS place, 'WALLET#' || sender_id AS wallet,
    0 AS sent, 1 AS received, CASE WHEN settled THEN 1 ELSE 0 END AS due, 0 AS sent_coins, coins AS received_coins
  FROM items
  WHERE sk LIKE 'GIFT#%'
)
SELECT shard || ' ' || place AS subject, SUM(received_coins) AS stored, SUM(sent_coins) AS computed,
  shard AS pk, MIN(wallet) AS other_pk
FROM sides
GROUP BY shard, place
HAVING (SUM(due) > 0 AND (SUM(sent) = 0 OR SUM(received) = 0))
  OR (SUM(sent) > 0 AND SUM(received) > 0 AND SUM(sent_coins) <> SUM(received_coins))
