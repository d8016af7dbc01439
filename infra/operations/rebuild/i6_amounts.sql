-- Amounts are whole numbers within 2^53 - 1, which JSON readers keep exact, and are there where they must be.
WITH amounts AS (
  SELECT pk, sk || ' coins' AS name, coins AS amount, sk <> 'WALLET' OR has_coins AS needed FROM items
  WHERE sk = 'WALLET' OR sk = 'LANE' OR sk LIKE 'ENTRY#%' OR sk LIKE 'GIFT#%'
  UNION ALL
  SELECT pk, sk || ' sequence' AS name, sequence AS amount, TRUE AS needed FROM items
  WHERE sk = 'LANE' OR sk LIKE 'GIFT#%'
  UNION ALL
  SELECT pk, sk || ' gifts' AS name, gifts AS amount, TRUE AS needed FROM items WHERE sk = 'LANE'
  UNION ALL
  SELECT pk, sk || ' amount_minor' AS name, amount_minor AS amount, TRUE AS needed FROM items
  WHERE sk LIKE 'ENTRY#%' AND kind = 'purchase'
  UNION ALL
  SELECT pk, sk || ' kept_minor' AS name, kept_minor AS amount, has_kept_minor AS needed FROM items
  WHERE sk LIKE 'ENTRY#%' AND kind = 'purchase'
  UNION ALL
  SELECT pk, sk || ' d' AS name, disputes AS amount, has_disputes AS needed FROM items WHERE sk = 'WALLET'
)
SELECT pk || ' ' || name AS subject, amount AS stored, NULL AS computed, pk, NULL AS other_pk
FROM amounts
WHERE (needed AND amount IS NULL) OR amount > 9007199254740991 OR amount < -9007199254740991
