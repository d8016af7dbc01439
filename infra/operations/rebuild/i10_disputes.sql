-- A wallet counts its purchases with an open dispute in millions, and those with a lost one in ones.
SELECT pk AS subject,
  SUM(CASE WHEN sk = 'WALLET' THEN COALESCE(disputes, 0) ELSE 0 END) AS stored,
  SUM(CASE WHEN sk = 'WALLET' THEN 0 WHEN hold = 'open' THEN 1000000 WHEN hold = 'lost' THEN 1 ELSE 0 END) AS computed,
  pk,
  NULL AS other_pk
FROM items
WHERE sk = 'WALLET' OR (sk LIKE 'ENTRY#%' AND hold IS NOT NULL)
GROUP BY pk
HAVING SUM(
  CASE WHEN sk = 'WALLET' THEN COALESCE(disputes, 0) WHEN hold = 'open' THEN -1000000 WHEN hold = 'lost' THEN -1 ELSE 0 END
) <> 0
