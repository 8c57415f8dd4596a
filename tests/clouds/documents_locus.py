"""The examples of Locus' own document (API v3), also where they contradict its text."""

PASSWORD_TOKEN = b"""{
"access_token": "41e818b29780637494d9026760d40b51", "issued_at": 1430347010, "token_type": "bearer",
"refresh_token": "c27720f61b77245731c2e3ce4647ddad", "expires_in": 3600
}"""

REFRESHED_TOKEN = b"""{
"access_token": "41e818b29780637494d9026760d40b51", "issued_at": 1430347010, "token_type": "bearer", "expires_in": 3600
}"""
"""The text says that a new refresh token comes with it."""

CLIENT_TOKEN = b'{"access_token": "ef4ace9dc2574925b8708d05fbb9da7z", "issued_at": 1425672574, "expires_in": 3600}'

THROTTLED = b'{"message": "Too many requests", "statusCode": 429}'

SITE = b"""{
"statusCode": 200, "id": 123, "clientId": 456, "name": "Test Site", "address1": "657 Mission St", "address2": "",
"locale3": "San Francisco", "locale1": "California", "localeCode1": "CA", "postalCode": "94105", "countryCode": "US",
"locationTimezone": "America/Los_angeles"
}"""
"""Of one site; the time zone is written wrong."""

SITES = b"""{"statusCode": 200, "sites": [
{"statusCode": 200, "id": 123, "clientId": 456, "name": "Test Site", "address1": "657 Mission St", "address2": "",
"locale3": "San Francisco", "locale1": "California", "localeCode1": "CA", "postalCode": "94105", "countryCode": "US",
"locationTimezone": "America/Los_Angeles"},
{"statusCode": 200, "id": 789, "clientId": 456, "name": "Test Site 2", "address1": "2 Hudson Place", "address2": "",
"locale3": "Hoboken", "locale1": "New Jersey", "localeCode1": "NJ", "postalCode": "07030", "countryCode": "US",
"locationTimezone": "America/New_York"}
]}"""

CLIENTS = b"""{"statusCode": 200, "clients": [
{"id": 123, "partnerId": 456, "tz": "US/Eastern", "firstName": "Test", "lastName": "System",
"email": "test@locusenergy.com"},
{"id": 789, "partnerId": 456, "tz": "US/Pacific", "firstName": "Another", "lastName": "System",
"email": "another@locusenergy.com"}
]}"""

COMPONENTS = b"""{"statusCode": 200, "components": [
{"id": 54369, "siteId": 3393714, "clientId": 419010, "parentId": 3393714, "parentType": "SITE",
"nodeId": "OB.001EC1111DC9.1", "name": "PV Meter", "nodeType": "METER", "application": "GENERATION",
"generationType": "SOLAR", "oem": "Locus Energy", "model": "LGate 120", "isConceptualNode": false},
{"id": 54369, "siteId": 3393714, "clientId": 419010, "parentId": 2050424, "parentType": "COMPONENT",
"nodeId": "OB.TESTNODE.44", "name": "AE Inverter E1", "nodeType": "INVERTER", "application": "GENERATION",
"generationType": "SOLAR", "oem": "Advanced Energy", "model": "AE 500NX 480V", "isConceptualNode": false}
]}"""
"""Two components with the same id, the second below one that is not there."""

MODEL_SETTINGS = b"""{
"statusCode": 200, "size": 1023.4, "mismatch": 98, "diodesAndConnections": 99, "dcWiring": 98, "soiling": 95,
"sunTracking": 100, "nameplate": 100, "acWiring": 99, "transformer": 100, "tmy3Id": 724095
}"""

OF_A_COMPONENT = b"""{"statusCode": 200, "baseFields": [
{"baseField": "A", "longName": "AC Current", "source": "Measured", "unit": "A", "aggregations": [
{"shortName": "A_avg", "aggregation": "avg"}, {"shortName": "A_max", "aggregation": "max"},
{"shortName": "A_min", "aggregation": "min"}],
"granularities": ["latest", "1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "PF", "longName": "AC Power Factor", "source": "Measured", "unit": "", "aggregations": [
{"shortName": "PF_avg", "aggregation": "avg"}, {"shortName": "PF_max", "aggregation": "max"},
{"shortName": "PF_min", "aggregation": "min"}],
"granularities": ["latest", "1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "PI_m", "longName": "Performance Index", "source": "Modeled", "unit": "", "fieldParameters": [
{"param": "modelType", "values": ["simple"]}, {"param": "irradianceSource", "values": ["weatherStation"]},
{"param": "inverterClipping", "values": ["true", "false"]}],
"granularities": ["1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "PPV", "longName": "AC Voltage L-L", "source": "Measured", "unit": "V", "aggregations": [
{"shortName": "PPV_avg", "aggregation": "avg"}, {"shortName": "PPV_max", "aggregation": "max"},
{"shortName": "PPV_min", "aggregation": "min"}],
"granularities": ["latest", "1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "VAR", "longName": "AC Reactive Power", "source": "Measured", "unit": "VAR", "aggregations": [
{"shortName": "VAR_avg", "aggregation": "avg"}, {"shortName": "VAR_max", "aggregation": "max"},
{"shortName": "VAR_min", "aggregation": "min"}],
"granularities": ["latest", "1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "W", "longName": "AC Power", "source": "Measured", "unit": "W", "aggregations": [
{"shortName": "W_avg", "aggregation": "avg"}, {"shortName": "W_max", "aggregation": "max"},
{"shortName": "W_min", "aggregation": "min"}],
"granularities": ["latest", "1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "W_m", "longName": "AC Power", "source": "Modeled", "unit": "W", "fieldParameters": [
{"param": "modelType", "values": ["simple"]}, {"param": "irradianceSource", "values": ["weatherStation"]},
{"param": "inverterClipping", "values": ["true", "false"]}],
"granularities": ["1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "Wh", "longName": "AC Energy", "source": "Measured", "unit": "Wh", "aggregations": [
{"shortName": "Wh_sum", "aggregation": "sum"}],
"granularities": ["latest", "1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "WphA", "longName": "AC Power A", "source": "Measured", "unit": "W", "aggregations": [
{"shortName": "WphA_avg", "aggregation": "avg"}, {"shortName": "WphA_max", "aggregation": "max"},
{"shortName": "WphA_min", "aggregation": "min"}],
"granularities": ["latest", "1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]}
]}"""
"""Modelled fields have no aggregations, measured ones no parameters: both "always returned", says the table."""

OF_A_SITE = """{"statusCode": 200, "baseFields": [
{"baseField": "GHI_m", "longName": "VI - Irradiance Global Horizontal", "source": "Modeled", "unit": "W/m²",
"aggregations": [{"shortName": "GHI_m_avg", "aggregation": "avg"}, {"shortName": "GHI_m_max", "aggregation": "max"},
{"shortName": "GHI_m_min", "aggregation": "min"}], "granularities": ["hourly", "daily", "monthly", "yearly"]},
{"baseField": "GHIh_m", "longName": "VI - Insolation Global Horizontal", "source": "Modeled", "unit": "Wh/m²",
"aggregations": [{"shortName": "GHIh_m_sum", "aggregation": "sum"}],
"granularities": ["hourly", "daily", "monthly", "yearly"]},
{"baseField": "W", "longName": "AC Power", "source": "Measured", "unit": "W", "aggregations": [
{"shortName": "W_avg", "aggregation": "avg"}, {"shortName": "W_max", "aggregation": "max"}],
"granularities": ["5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "W_m", "longName": "AC Power", "source": "Modeled", "unit": "W", "aggregations": [
{"shortName": "W_m_avg", "aggregation": "avg"}], "fieldParameters": [
{"param": "modelType", "values": ["simple"]}, {"param": "irradianceSource", "values": ["weatherStation"]},
{"param": "inverterClipping", "values": ["true", "false"]}],
"granularities": ["1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "Wh", "longName": "AC Energy", "source": "Measured", "unit": "Wh", "aggregations": [
{"shortName": "Wh_sum", "aggregation": "sum"}],
"granularities": ["1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]},
{"baseField": "Wh_e", "longName": "AC Energy", "source": "Expected", "unit": "Wh", "aggregations": [
{"shortName": "Wh_e_sum", "aggregation": "sum"}], "granularities": ["daily", "monthly", "yearly"]},
{"baseField": "Wh_m", "longName": "AC Energy", "source": "Modeled", "unit": "Wh", "aggregations": [
{"shortName": "Wh_m_sum", "aggregation": "sum"}], "fieldParameters": [
{"param": "modelType", "values": ["simple"]}, {"param": "irradianceSource", "values": ["weatherStation"]},
{"param": "inverterClipping", "values": ["true", "false"]}],
"granularities": ["1min", "5min", "15min", "hourly", "daily", "monthly", "yearly"]}
]}""".encode()

NEW_BASE_FIELD = b"""{"statusCode": 200, "baseFields": [
{"baseField": "NewBaseField", "longName": "I'm a new data type!", "source": "Measured", "unit": "Wh", "aggregations": [
{"shortName": "NewBaseField_sum", "aggregation": "sum"}],
"granularities": ["5min", "15min", "hourly", "daily", "monthly", "yearly"]}
]}"""

OF_ALL_SITES = b"""{"statusCode": 200, "baseFields": [
{"baseField": "Wh", "longName": "AC Energy", "source": "Measured", "unit": "Wh", "aggregations": [
{"shortName": "Wh_sum", "aggregation": "sum"}], "granularities": ["monthly"]},
{"baseField": "Whp", "longName": "AC Energy (prorated)", "source": "Measured", "unit": "Wh", "aggregations": [
{"shortName": "Whp_sum", "aggregation": "sum"}], "granularities": ["monthly"]},
{"baseField": "EER", "longName": "Energy Expectations Ratio", "source": "Modeled", "unit": "", "aggregations": [
{"shortName": "EER_avg", "aggregation": "avg"}], "granularities": ["monthly"]}
]}"""

MONTHS = b"""{"statusCode": 200, "data": [
{"id": 54369, "ts": "2014-01-01T00:00:00-07:00", "Wh_sum": 1234.5, "W_avg": 567},
{"id": 54369, "ts": "2014-02-01T00:00:00-07:00", "Wh_sum": 1252.4, "W_avg": 684.756}
]}"""
"""Asked from 2014-01-01 to 2014-03-01 in US/Pacific, where winter is -08:00."""

YEARS = b"""{"statusCode": 200, "data": [
{"id": 54369, "ts": "2000-01-01T00:00:00+00:00"},
{"id": 54369, "ts": "2001-01-01T00:00:00+00:00"},
{"id": 54369, "ts": "2014-01-01T00:00:00+00:00", "Wh_sum": 1234123.5},
{"id": 54369, "ts": "2015-01-01T00:00:00+00:00", "Wh_sum": 124234.2},
{"id": 54369, "ts": "2016-01-01T00:00:00+00:00"}
]}"""

HOURS = b"""{"statusCode": 200, "data": [
{"id": 123, "ts": "2014-04-01T12:00:00-07:00", "W_avg": 23.717, "Wh_sum": 5936},
{"id": 123, "ts": "2014-04-01T13:00:00-07:00", "W_avg": 10.373, "Wh_sum": 2372}
]}"""
"""Asked from 12:00 to 13:00, and the row of 13:00 is there."""

ALL_SITES_MONTHS = b"""{"statusCode": 200, "data": [
{"id": 123, "ts": "2014-04-01T12:00:00-07:00", "Wh_sum": 5936},
{"id": 123, "ts": "2014-05-01T13:00:00-07:00", "Wh_sum": 2372},
{"id": 456, "ts": "2014-04-01T12:00:00-07:00", "Wh_sum": 21324},
{"id": 456, "ts": "2014-05-01T13:00:00-07:00", "Wh_sum": 25234}
]}"""
"""Months that begin at noon, or at one."""

ALERTS = b"""{"statusCode": 200, "alerts": [
{"id": 999, "componentId": 456, "componentName": "Test Inverter 1", "siteId": 99, "siteName": "Test Site",
"alertType": "System Disconnect", "priority": "High", "start": "2015-11-01T12:00:00-00:00",
"end": "2015-11-22T12:00:00-00:00", "updated": "2015-11-22T12:03:00-00:00"},
{"id": 78, "componentId": 90, "componentName": "Test Inverter 2", "siteId": 99, "siteName": "Test Site",
"alertType": "Device Fault", "priority": "Medium", "start": "2015-11-01T12:00:00-00:00",
"end": "2015-11-22T15:00:00-00:00", "updated": "2015-11-24T12:05:00-00:00", "descriptionShort": "VDC high",
"descriptionLong": "A voltage higher than 2100 V is present on the DC bus. (Resettable)"}
]}"""

ALERTS_WITHOUT_SITES = b"""{"statusCode": 200, "alerts": [
{"id": 999, "componentId": 456, "alertType": "System Disconnect", "priority": "High",
"start": "2015-11-01T12:00:00-00:00", "end": "2015-11-22T12:00:00-00:00", "updated": "2015-11-22T12:03:00-00:00"}
]}"""
"""As the chapter about compression has it."""
