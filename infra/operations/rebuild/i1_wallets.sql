-- A wallet holds the sum of its posted entries. One that a checkout or a budget created has no coins yet.
SELECT pk AS subject,
  SUM(CASE WHEN sk = 'WALLET' THEN COALESCE(coins, 0) ELSE 0 END) AS stored,
  SUM(CASE WHEN sk = 'WALLET' THEN 0 ELSE coins END) AS computed,
  pk,
  NULL AS other_pk
FROM items
WHERE sk = 'WALLET' OR (sk LIKE 'ENTRY#%' AND status = 'posted')
GROUP BY pk
HAVING SUM(CASE WHEN sk = 'WALLET' THEN COALESCE(coins, 0) ELSE -coins END) <> 0
