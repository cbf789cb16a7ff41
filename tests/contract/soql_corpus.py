"""SOQL and SOSL statements that an org must take or refuse by their form alone, whatever objects it has."""

from __future__ import annotations

from tieline.crm.query.date_literals import COUNTED, PLAIN
from tieline.crm.query.soql_tree import DATE_FUNCTIONS

_PLAIN_CONDITIONS = """
A = 1
A = -5
A = +5.5
A = - 5
A = .5
A = 1.50
A != 'x'
A <> 'x'
A < 2
A <= 2
A > 2
A >= 2
A = null
A != NULL
A = TRUE
A = false
A = 'it\\'s'
A = 'x\\n\\t\\r\\b\\f\\"\\\\'
A = ''
A = 'x\\u0041'
A = 2020-01-01
A = 2020-01-01T00:00:00Z
A = 2020-01-01T00:00:00.000Z
A = 2020-01-01T00:00:00+09:00
A = 2020-01-01T00:00:00-0800
A = 2020-01-01t00:00:00z
A = 10:00:00Z
A = 10:00:00.000Z
A > USD5000
A LIKE '%x_'
A IN ('a', 'b', null, 3)
A IN (TODAY, YESTERDAY)
A NOT IN ('a')
a not in ('a','b')
NOT A IN ('a')
A INCLUDES ('a;b','c')
A EXCLUDES ('a')
A IN (SELECT B FROM C)
A NOT IN (SELECT B FROM C WHERE D = 1)
A IN (SELECT B FROM C WHERE D IN (SELECT E FROM F))
A = 1 AND B = 2 AND C = 3
A = 1 OR B = 2 or C = 3
(A = 1 OR B = 2) AND C = 3
A = null AND (B = 1 OR C = 2) AND (NOT D = 1)
((A = 1))
NOT A = 1
NOT (A = 1 AND B = 2)
NOT(NOT(A = 1))
(NOT A = 1) OR (NOT B = 2)
A.B.C = 'x'
A__r.B__c = 'x'
toLabel(A) = 'x'
toLabel(A) LIKE 'x%'
toLabel(A.B) IN ('x', 'y')
DISTANCE(A, GEOLOCATION(37,-122), 'mi') < 20
CALENDAR_YEAR(convertTimezone(A)) = 2020
A = LAST_N_DAYS : 5
A = n_days_ago:3
"""
_BAD_CONDITIONS = """

A
A =
= 1
A == 1
A = 1 AND
AND A = 1
A = 1 B = 2
A = 1 AND B = 2 OR C = 3
A = 1 OR B = 2 AND C = 3
A = 1 AND NOT B = 2
NOT A = 1 AND B = 2
NOT NOT A = 1
A NOT LIKE 'x'
A IS NULL
A BETWEEN 1 AND 2
A IN ()
A IN ('a',)
A IN ('a' 'b')
A INCLUDES ()
A = "x"
A = 'x
A = x
A = 'x\\q'
A = 'x' 'y'
A = FOO
A = LAST_N_DAYS
A = LAST_N_DAYS:
A = LAST_N_DAYS:x
A = TODAY:3
A = 2020-1-1
A = 2020-01-01T00:00:00
A = 2020-01-01T00:00Z
A = 20200101T00:00:00Z
A = 5.
A = 1e5
A = 5L
A = USD5000.5
A = 1 = 2
1 = 1
TRUE = A
(A = 1
A = 1)
(A = 1) AND (B = 2) OR (C = 3)
A..B = 1
.A = 1
A. = 1
A = (SELECT B)
A IN (SELECT B FROM C
A IN (SELECT B FROM C GROUP BY B)
FOO(A) = 1
CALENDAR_YEAR() = 1
A + 1 = 2
A = B + 1
"""
_PLAIN_QUERIES = """
SELECT Id FROM Account
select id from account
SELECT Id, Name, Account.Owner.Manager.Name FROM Contact
SELECT Id FROM Account a
SELECT a.Id FROM Account a, a.Contacts c
SELECT COUNT() FROM Contact c, c.Account a WHERE a.name = 'x'
SELECT COUNT() FROM Contact
SELECT COUNT( ) FROM Contact
SELECT COUNT(Id) cnt FROM Contact
SELECT COUNT_DISTINCT(Id), COUNT(Name) c FROM Account
SELECT MAX(A) m, MIN(B), AVG(C), SUM(D) FROM Account
SELECT COUNT(Id), Name FROM Contact GROUP BY Name HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC
SELECT Id, COUNT(Id) FROM Account GROUP BY Id HAVING COUNT(Id) > 1 AND (NOT Id = 'x')
SELECT Name n, COUNT(Id) FROM Contact GROUP BY ROLLUP(Name, Status)
SELECT Name n, COUNT(Id) FROM Contact GROUP BY CUBE(Name, Status)
SELECT Name n, GROUPING(Name) g FROM Contact GROUP BY ROLLUP(Name)
SELECT Name FROM Contact GROUP BY ROLLUP(Name) HAVING COUNT(Id) > 1
SELECT A FROM X GROUP BY ROLLUP(CALENDAR_YEAR(CreatedDate))
SELECT Id FROM X GROUP BY A ORDER BY A LIMIT 3 OFFSET 4
SELECT CALENDAR_YEAR(CreatedDate), COUNT(Id) FROM X GROUP BY CALENDAR_YEAR(CreatedDate) ORDER BY MAX(A) DESC NULLS LAST
SELECT HOUR_IN_DAY(convertTimezone(CreatedDate)) h FROM X GROUP BY HOUR_IN_DAY(convertTimezone(CreatedDate))
SELECT toLabel(Status) s, toLabel(Account.Industry) FROM Contact
SELECT FORMAT(Amount) a FROM Opportunity
SELECT FORMAT(MIN(Amount)) a FROM Opportunity
SELECT FORMAT(CALENDAR_YEAR(CreatedDate)) FROM X
SELECT convertCurrency(Amount) FROM Opportunity
SELECT FORMAT(convertCurrency(Amount)) c FROM Opportunity
SELECT FIELDS(ALL) FROM Contact LIMIT 200
SELECT FIELDS(STANDARD) FROM Contact
SELECT fields(custom), Id FROM Contact LIMIT 2
SELECT DISTANCE(A, GEOLOCATION(37,122), 'mi') d FROM Account
SELECT Id FROM Account ORDER BY DISTANCE(A, GEOLOCATION(37.5,-122.1), 'km') DESC
SELECT Id FROM Account ORDER BY toLabel(Status)
SELECT Id, (SELECT Id FROM Contacts) FROM Account
SELECT (SELECT Id FROM Contacts) FROM Account
SELECT Id, (SELECT Id, (SELECT Id FROM Cases) FROM Contacts) FROM Account
SELECT Id, (SELECT Id FROM Contacts c WHERE c.Name = 'x' ORDER BY c.Name LIMIT 3) FROM Account
SELECT Id, (SELECT Id FROM Contacts FOR VIEW) FROM Account
SELECT Id, (SELECT Id FROM a.Contacts) FROM Account a
SELECT Id, (SELECT FIELDS(ALL) FROM Contacts LIMIT 200) FROM Account
SELECT Id, (SELECT TYPEOF What WHEN Account THEN Phone END FROM Tasks) FROM Account
SELECT TYPEOF What WHEN Account THEN Phone, Name WHEN Opportunity THEN Amount ELSE Name END FROM Event
SELECT TYPEOF What WHEN Account THEN Phone, Owner.Name END, Id FROM Event
SELECT Id FROM Account USING SCOPE mine
SELECT Id FROM Account USING SCOPE everything WHERE Id = 'x'
SELECT Id FROM Account WITH SECURITY_ENFORCED
SELECT Id FROM Account WHERE Id = 'x' WITH USER_MODE LIMIT 2
SELECT Id FROM Account WITH DATA CATEGORY Geography__c ABOVE usa__c
SELECT Id FROM Account WITH DATA CATEGORY Geography__c ABOVE_OR_BELOW (usa__c, uk__c) AND Product__c AT x__c
SELECT Id FROM Account WITH DATA CATEGORY G__c BELOW a__c ORDER BY Id LIMIT 1
SELECT Id FROM Account ORDER BY A
SELECT Id FROM Account ORDER BY A ASC
SELECT Id FROM Account ORDER BY A ASC NULLS FIRST, B.C DESC, D nulls last LIMIT 1 OFFSET 2
SELECT Id FROM Account LIMIT 0
SELECT Id FROM Account OFFSET 5
SELECT Id FROM Account LIMIT 1 ALL ROWS
SELECT Id FROM Account ALL ROWS FOR VIEW
SELECT Id FROM Account FOR VIEW
SELECT Id FROM Account FOR VIEW FOR REFERENCE
SELECT Id FROM Account WHERE Id = 'x' FOR UPDATE
SELECT Id FROM Account FOR VIEW UPDATE TRACKING
SELECT Id FROM Account UPDATE VIEWSTAT
SELECT Id FROM Account UPDATE TRACKING, VIEWSTAT
SELECT Group, Order, Limit FROM Group
SELECT Order FROM Order ORDER BY Order
SELECT Id FROM Group GROUP BY Id
SELECT Data, Category, Scope, Using, With FROM X
SELECT Count, Sum, Avg, Min, Max FROM X ORDER BY Count
SELECT Today, View, Reference, All, Rows FROM X
SELECT Format, toLabel, Fields, Grouping FROM X
SELECT A__c, B__r.C__c, D_E FROM X__c
SELECT DISTINCT Id FROM Account
"""
_BAD_QUERIES = """
SELECT
SELECT Id
SELECT FROM Account
SELECT Id, FROM Account
SELECT , Id FROM Account
SELECT * FROM Account
SELECT Id Account
SELECT Id FROM
SELECT Id FROM ,
SELECT 'x' FROM Account
SELECT 1 FROM Account
SELECT Null FROM X
SELECT True FROM X
SELECT COUNT(DISTINCT Id) FROM X
SELECT MAX() FROM X
SELECT FOO(Id) FROM X
SELECT SUM(Amount) / 2 FROM X
SELECT MIN(CALENDAR_YEAR(CreatedDate)) FROM X
SELECT toLabel(FORMAT(x)) FROM Opportunity
SELECT convertTimezone(CreatedDate) FROM Contact
SELECT FIELDS(Foo) FROM Contact LIMIT 2
SELECT FIELDS() FROM Contact LIMIT 2
SELECT ((SELECT Id FROM Contacts)) FROM Account
SELECT (SELECT Id FROM Contacts FROM Account
SELECT Id, (SELECT Id FROM Contacts OFFSET 3) FROM Account
SELECT Id, (SELECT COUNT(Id) FROM Contacts GROUP BY Name) FROM Account
SELECT Id, (SELECT Id FROM Contacts USING SCOPE mine) FROM Account
SELECT TYPEOF What ELSE Name END, Id FROM Event
SELECT TYPEOF What END FROM Event
SELECT TYPEOF What WHEN Account Phone END FROM Event
SELECT TYPEOF What WHEN Account THEN Phone FROM Event
SELECT TYPEOF What WHEN Account THEN Phone ELSE END FROM Event
SELECT TYPEOF What WHEN Account THEN FIELDS(ALL) END, Id FROM Event
SELECT Id FROM Account WHERE Id = 'x' USING SCOPE mine
SELECT Id FROM Account USING SCOPE
SELECT Id FROM Account USING mine
SELECT Id FROM Account WITH DATA CATEGORY G__c AT (a__c) AND
SELECT Id FROM Account WITH DATA CATEGORY G__c a__c
SELECT Id FROM Account GROUP Name
SELECT Id FROM Account GROUP BY
SELECT Id FROM Account GROUP BY Name,
SELECT Id FROM Account GROUP BY Name, ROLLUP(Id)
SELECT Id FROM Account GROUP BY Name HAVING
SELECT Id FROM Account HAVING COUNT(Id) > 1
SELECT Id FROM Account ORDER BY
SELECT Id FROM Account ORDER A
SELECT Id FROM Account ORDER BY Name UP
SELECT Id FROM Account ORDER BY Name NULLS
SELECT Id FROM Account ORDER BY Name,
SELECT Id FROM Account LIMIT x
SELECT Id FROM Account LIMIT -1
SELECT Id FROM Account LIMIT 1.5
SELECT Id FROM Account LIMIT 1, 2
SELECT Id FROM Account OFFSET 1 LIMIT 1
SELECT Id FROM Account LIMIT 1 ORDER BY Id
SELECT Id FROM Account ORDER BY Id WHERE A = 1
SELECT Id FROM Account ALL ROWS LIMIT 1
SELECT Id FROM Account FOR DELETE
SELECT Id FROM Account FOR UPDATE ALL ROWS
SELECT Id FROM Account; SELECT Id FROM Contact
SELECT Id FROM Account -- x
SELECT Id FROM Account UNION SELECT Id FROM Contact
SELECT A..B FROM X
SELECT .A FROM X
SELECT A. FROM X
INSERT INTO Account
UPDATE Account SET A = 1
DELETE FROM Account
DROP TABLE x
"""

VALID = [
    *_PLAIN_QUERIES.strip().splitlines(),
    *(f"SELECT Id FROM Account WHERE {test}" for test in _PLAIN_CONDITIONS.strip().splitlines()),
    *(f"SELECT Id FROM X WHERE A = {name}" for name in PLAIN),
    *(f"SELECT Id FROM X WHERE A < {name}:7" for name in COUNTED),
    *(f"SELECT {name}(A), COUNT(Id) FROM X GROUP BY {name}(A)" for name in sorted(DATE_FUNCTIONS)),
]
INVALID = [
    *_BAD_QUERIES.strip().splitlines(),
    *(f"SELECT Id FROM Account WHERE {test}" for test in _BAD_CONDITIONS.strip("\n").splitlines() if test),
]

VALID_SEARCHES = """
FIND {x1}
find {x1*} in all fields returning contact
FIND {x1*} IN NAME FIELDS RETURNING Contact(Id, Name WHERE A = 'x' ORDER BY Name LIMIT 3 OFFSET 2), Lead LIMIT 20
FIND {x1} IN EMAIL FIELDS RETURNING Contact(Id ORDER BY Name ASC NULLS LAST)
FIND {x1} IN PHONE FIELDS RETURNING Contact(Id, Name USING Listview = Mine)
FIND {x1} IN SIDEBAR FIELDS
FIND {x1} LIMIT 5
FIND {x1} RETURNING Contact(Id OFFSET 3)
FIND {x1} RETURNING Contact(Id), Lead(Id), Account(Name LIMIT 2) LIMIT 4
FIND {x1} RETURNING Contact(Account.Name WHERE Account.Name LIKE 'x%' AND Id IN (SELECT ContactId FROM Case))
FIND {x1} WITH DIVISION = 'x'
FIND {x1} RETURNING Contact WITH DIVISION = 'x' LIMIT 3
FIND {x1} RETURNING Contact WITH DATA CATEGORY Geo__c AT x__c
FIND {x1} RETURNING Contact WITH SNIPPET
FIND {x1} RETURNING Contact WITH SNIPPET (target_length=120)
FIND {x1} RETURNING Contact WITH HIGHLIGHT
FIND {x1} RETURNING Contact WITH METADATA = 'LABELS'
FIND {x1} RETURNING Contact WITH NETWORK = 'x'
FIND {x1} RETURNING Contact WITH NETWORK IN ('x','y')
FIND {x1} RETURNING Contact WITH PricebookId = 'x'
FIND {x1} RETURNING Contact WITH SPELL_CORRECTION = false
FIND {x1} RETURNING Contact WITH USER_MODE
FIND {x1} RETURNING Contact WITH HIGHLIGHT WITH SNIPPET
FIND {x1} RETURNING Contact LIMIT 3 UPDATE TRACKING
FIND {x1} RETURNING Contact UPDATE VIEWSTAT
FIND {a1 AND (b1 OR c1) AND NOT d1}
FIND {"a b"} RETURNING Contact
FIND {a\\}b} RETURNING Contact
FIND {a?b*c} IN SIDEBAR FIELDS
""".strip().splitlines()
INVALID_SEARCHES = """
FIND x1
FIND {x1
FIND 'x1' RETURNING Contact
FIND {x1} garbage
FIND {x1} IN FOO FIELDS
FIND {x1} IN ALL
FIND {x1} IN FIELDS
FIND {x1} RETURNING
FIND {x1} RETURNING Contact,
FIND {x1} RETURNING Contact()
FIND {x1} RETURNING Contact(Id,)
FIND {x1} RETURNING Contact(WHERE Id = 'x')
FIND {x1} RETURNING Contact(Id) x
FIND {x1} RETURNING Contact(Name n)
FIND {x1} RETURNING Contact(COUNT(Id))
FIND {x1} RETURNING Contact(FIELDS(ALL))
FIND {x1} RETURNING Contact(Id LIMIT 3 WHERE Id = 'x')
FIND {x1} RETURNING Contact(Id LIMIT 3 ORDER BY Id)
FIND {x1} RETURNING Contact(Id WHERE Id = 'x' ALL ROWS)
FIND {x1} RETURNING Contact(Id FOR VIEW)
FIND {x1} RETURNING Contact(Id WHERE A = 1 AND B = 2 OR C = 3)
FIND {x1} LIMIT
FIND {x1} LIMIT x
FIND {x1} LIMIT 3 RETURNING Contact
FIND {x1} RETURNING Contact WITH
FIND {x1} RETURNING Contact WITH DATA CATEGORY
""".strip().splitlines()

TAKEN_BY_THE_ORACLE_ONLY = {
    "SELECT Id FROM Account WHERE A = :x": "bind expressions are Apex's",
    "SELECT Id FROM Account LIMIT :x": "bind expressions are Apex's",
    "SELECT Id FROM Account LIMIT": "the reserved word LIMIT is no alias (documented: reserved keywords)",
    "SELECT Id FROM Account WHERE": "the reserved word WHERE is no alias",
    "SELECT Id FROM Account WHERE A = 2020-13-99": "no calendar has that day; the oracle knows digits only",
    "SELECT Id FROM Account WHERE 名前 = 'x'": "API names are ASCII",
    "SELECT /* c */ Id FROM Account": "comments are Apex's",
    "FIND {(a1}": "the oracle does not read the search term: bracket",
    "FIND {a1 AND}": "the oracle does not read the search term: operator",
    "FIND {a1!}": "the oracle does not read the search term: reserved character",
    "FIND {a-b}": "the oracle does not read the search term: reserved character",
    "FIND {}": "the oracle does not read the search term: nothing in it",
}
"""What the oracle takes and we refuse, with the reason."""
REFUSED_BY_THE_ORACLE_ONLY = {
    "SELECT Id FROM Account FOR VIEW, REFERENCE": "documented: FOR {VIEW | REFERENCE}[,...]",
    "SELECT Id FROM Account WHERE A LIKE '\\_\\%'": "documented escapes of LIKE",
    "SELECT Update FROM X": "UPDATE is not among SOQL's reserved words, but among Apex's",
    "FIND {x1} RETURNING Contact(toLabel(Name), Id)": "documented for RETURNING; the oracle takes it last in the list only",
}
"""What we take and the oracle refuses, with the reason."""
