-- A payment is credited once: by a posted purchase, or by the grant of a settled review of the first release.
-- A free purchase has no payment.
WITH credits AS (
  SELECT pk, payment_intent AS payment
  FROM items
  WHERE sk LIKE 'ENTRY#%' AND status = 'posted' AND kind = 'purchase' AND payment_intent <> ''
  UNION ALL
  SELECT pk, about AS payment
  FROM items
  WHERE sk LIKE 'ENTRY#%' AND status = 'posted' AND kind = 'grant' AND about IS NOT NULL
)
SELECT 'payment ' || payment AS subject, COUNT(*) AS stored, 1 AS computed, MIN(pk) AS pk, MAX(pk) AS other_pk
FROM credits
GROUP BY payment
HAVING COUNT(*) > 1
