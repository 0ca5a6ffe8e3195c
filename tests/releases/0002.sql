-- Leads as version 0.1.0 stored them, one in each state. Both databases take this file.
INSERT INTO form_version (form, version, content, origin, published_at) VALUES
  ('quote', '4b1de2f0a9c3', 'title: Quote
fields:
  - {name: firstName, required: true}
vendor: {name: webhook, url: "http://127.0.0.1:9/", wait: 0}
', 'console', 1795000000.25);

INSERT INTO lead (reference, form, version, received_at, answers, campaign, cleaned, consent, source, content_hash, quarantine, test, answer, erased_at) VALUES
  ('LF-DELIVERED2', 'quote', '4b1de2f0a9c3', 1795000001.5, '{"firstName": "Zoë 👩‍👧", "tag": ["web", "quote"]}', '{"gclid": "x"}', '[{"field": "notes", "reason": "html", "before": 12, "after": 5}]', '{"language": "en", "items": []}', '{"ip": "192.0.2.0"}', 'h1', NULL, false, 'ok', NULL),
  ('LF-PENDING222', 'quote', '4b1de2f0a9c3', 1795000002.5, '{"firstName": "Bo"}', '{}', '[]', NULL, '{}', 'h2', NULL, false, 'ok', NULL),
  ('LF-SENDING222', 'quote', '4b1de2f0a9c3', 1795000003.5, '{"firstName": "Cy"}', '{}', '[]', NULL, '{}', 'h3', NULL, false, NULL, NULL),
  ('LF-REJECTED22', 'quote', '4b1de2f0a9c3', 1795000004.5, '{"firstName": "Di"}', '{}', '[]', NULL, '{}', 'h4', NULL, false, 'ct103', NULL),
  ('LF-HELD222222', 'quote', '4b1de2f0a9c3', 1795000005.5, '{"firstName": "Ed"}', '{}', '[]', NULL, '{}', 'h5', NULL, false, 'ok', NULL),
  ('LF-DEAD222222', 'quote', '4b1de2f0a9c3', 1795000006.5, '{"firstName": "Flo"}', '{}', '[]', NULL, '{}', 'h6', NULL, true, 'ok', NULL),
  ('LF-JUNK222222', 'quote', '4b1de2f0a9c3', 1795000007.5, '{"firstName": "Bot"}', '{}', '[]', NULL, '{}', 'h7', '["honeypot"]', false, NULL, NULL),
  ('LF-ERASED2222', 'quote', '4b1de2f0a9c3', 1795000008.5, '{}', '{}', '[]', NULL, '{}', '', NULL, false, 'ok', 1795100000.0);

INSERT INTO lead_file (lead_id, field, filename, content)
  SELECT id, 'photo', 'roof.jpg', 'bytes' FROM lead WHERE reference = 'LF-DELIVERED2';

INSERT INTO delivery (lead_id, destination, account, vendor, state, due_at, attempts, unsure, settled_at)
  SELECT id, 'vendor', 'quote/vendor', 'webhook', 'rejected', 1795000060.5, 1, false, 1795000009.5
  FROM lead WHERE reference <> 'LF-JUNK222222';
UPDATE delivery SET payload = '{"method": "POST", "url": "http://127.0.0.1:9/", "headers": {}, "json": {"first": "Bo"}, "message_id": "LF-X-vendor"}'
  WHERE lead_id IN (SELECT id FROM lead WHERE erased_at IS NULL);
UPDATE delivery SET state = 'delivered', vendor_lead_id = '1001' WHERE lead_id = (SELECT id FROM lead WHERE reference = 'LF-DELIVERED2');
UPDATE delivery SET state = 'pending', settled_at = NULL WHERE lead_id = (SELECT id FROM lead WHERE reference = 'LF-PENDING222');
UPDATE delivery SET state = 'sending', settled_at = NULL, token = '0123456789abcdef', attempts = 0
  WHERE lead_id = (SELECT id FROM lead WHERE reference = 'LF-SENDING222');
UPDATE delivery SET reason = 'duplicate', error_code = 'ct103' WHERE lead_id = (SELECT id FROM lead WHERE reference = 'LF-REJECTED22');
UPDATE delivery SET state = 'held', unsure = true WHERE lead_id = (SELECT id FROM lead WHERE reference = 'LF-HELD222222');
UPDATE delivery SET state = 'dead' WHERE lead_id = (SELECT id FROM lead WHERE reference = 'LF-DEAD222222');
UPDATE delivery SET reason = 'erased' WHERE lead_id = (SELECT id FROM lead WHERE reference = 'LF-ERASED2222');

INSERT INTO delivery (lead_id, destination, account, vendor, state, due_at, attempts, unsure)
  SELECT id, 'also-1', 'quote/also-1', 'webhook', 'delivered', 1795000060.5, 0, false FROM lead WHERE reference = 'LF-DELIVERED2';

INSERT INTO attempt (delivery_id, number, at, trigger, outcome, reason, code, words, milliseconds, calls) VALUES
  ((SELECT delivery.id FROM delivery JOIN lead ON lead.id = lead_id WHERE reference = 'LF-DELIVERED2' AND destination = 'vendor'),
   1, 1795000009.5, 'visitor', 'accepted', NULL, '200', NULL, 120, '[{"request": {"method": "POST"}, "status": 200, "answer": "{}"}]'),
  ((SELECT delivery.id FROM delivery JOIN lead ON lead.id = lead_id WHERE reference = 'LF-PENDING222'),
   1, 1795000009.5, 'visitor', 'failed', 'down', '503', 'Service Unavailable', 120, '[]');

INSERT INTO account (account, waiting, reason, words, since, failures, probes, probe_at) VALUES
  ('quote/vendor', 'down', 'down', 'Service Unavailable', 1795000009.5, 5, 1, 1795000049.5);

INSERT INTO pace (vendor, next_at) VALUES ('kartra', 1795000010.5);
INSERT INTO alert (cause, mark, sent_at) VALUES ('paused quote/vendor', 'down 1795000009.5', 1795000010.5);
INSERT INTO heartbeat (name, at) VALUES ('readyz', 1795000010.5);
