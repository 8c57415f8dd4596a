"""The examples of Tigo's own document (REST API v3), also where they contradict its text.

Two of them are no JSON as they are printed: the login has a comma too many, and in the sources brackets are closed that
were never opened. Here they are as little changed as can be. The layout ends in the middle of a panel: the rest is made
up.
"""

ERROR = b"""{
  "name": "Unauthorized",
  "message": "You are requesting with an invalid credential.",
  "code": 0,
  "status": 401
}"""

LOGIN = b"""{
  "user": {
    "user_id": 1,
    "auth": "ABCDE",
    "expires": "2016-09-01T00:00:00-08:00",
    "user_type": "Basic"
  }
}"""

SYSTEMS = b"""{
  "systems": [{
    "created": "2014-05-16T20:50:45+00:00",
    "city": "PO 123",
    "company": "One Cool Dude",
    "contact_name": "John Smith",
    "country": "United States",
    "external_id": "test",
    "system_id": 1,
    "latitude": 12.3456789,
    "longitude": 12.3456789,
    "name": "Test System",
    "power_rating": 12000,
    "state": "Faker City",
    "street": "123 Fake Street",
    "zip": "12345",
    "turn_on_date": "null"
  },
  {
    "created": "2014-05-16T20:50:45+00:00",
    "city": "PO 123",
    "company": "One Cool Dude",
    "contact_name": "John Smith",
    "country": "United States",
    "external_id": "test2",
    "system_id": 2,
    "latitude": 12.3456789,
    "longitude": 12.3456789,
    "name": "Test System",
    "power_rating": 12000,
    "state": "Faker City",
    "street": "123 Fake Street",
    "zip": "12345",
    "turn_on_date": "2017-01-01"
  }
]}"""
"""The table of the document has a time zone, too."""

LAYOUT = b"""{
  "system": {
    "system_id": 1,
    "inverters": [{
      "inverter_id": 1,
      "inverter_type_id": 1,
      "label": "Inverter 1",
      "object_id": 1,
      "inverter_serial": "ABC",
      "mppts": [{
        "mppt_id": 1,
        "label": "MPPT 1",
        "strings": [{
          "string_id": 1,
          "label": "String A",
          "short_label": "A",
          "object_id": 2,
          "panels": [{
            "panel_id": 1,
            "label": "A1",
            "short_label": 1,
            "serial": "04C05B8001234"
          }]
        }]
      }]
    }]
  }
}"""
"""Its inverter has the object id that the system has among the objects."""

OBJECTS = b"""{
  "objects": [
    {
      "id": 1, "label": "System", "object_type_id": 1, "parent_id": -1, "datasource": null, "children": [2, 5],
      "ui": {"X": 100, "Y": 100, "MP": 5000}
    },
    {
      "id": 2, "label": "String A", "object_type_id": 3, "parent_id": 1, "datasource": null, "children": [3]
    },
    {
      "id": 3, "label": "A1", "object_type_id": 2, "parent_id": 2, "datasource": "04C05B800ACE.panels.A1",
      "children": [3], "ui": {"X": 150, "Y": 150}
    }
  ]
}"""
"""Its panel is its own child, and the system has a child that is not there."""

TYPES = b"""{
  "object_types": [
    {"object_type_id": 1, "label": "System"},
    {"object_type_id": 2, "label": "Panel"},
    {"object_type_id": 3, "label": "String"}
  ]
}"""

SOURCES = b"""{
  "sources": [
    {
      "source_id": 9999,
      "name": "My Cloud Connect",
      "serial": "04C05B8FFFFFF",
      "gateway_count": 1,
      "created_on": "2014-07-29T16:19:26-07:00",
      "control_state": "on",
      "last_checkin": "2017-02-16T23:19:06-08:00",
      "timezone": "America/Los_Angeles",
      "sw_version": "ffs-2.4.0-image.img",
      "sets": [
        {
          "set_name": "panels_avg",
          "last_min": "2016-09-07T18:32:00-07:00",
          "last_day": "2014-11-18T00:00:00-08:00"
        }, {
          "set_name": "Wattnode",
          "last_min": "2014-09-09T14:06:00-07:00",
          "last_day": "2014-09-08T00:00:00-07:00"
        }
      ]
    }, {
      "system_id": 11
    }, {
      "source_id": 1010,
      "name": "My Cloud Connect 2",
      "serial": "04C05B8FFFFFF",
      "gateway_count": 1,
      "created_on": "2014-07-29T16:19:26-07:00",
      "control_state": "on",
      "last_checkin": "2017-02-16T23:19:06-08:00",
      "timezone": "America/Los_Angeles",
      "sw_version": "ffs-2.4.0-image.img",
      "sets": [
        {
          "set_name": "panels_avg",
          "last_min": "2016-09-07T18:32:00-07:00",
          "last_day": "2014-11-18T00:00:00-08:00"
        }
      ],
      "system_id": 11
    }
  ]
}"""
"""One entry has no id. The table of the document says that `control_state` is a number."""

AGGREGATE_BY_ID = """Datetime,1,2,3
2014/09/23 00:06:23,23,23,23
2014/09/23 00:06:24,23,23,23
2014/09/23 00:06:25,23,23,23
2014/09/23 00:06:26,23,23,23
2014/09/23 00:06:27,23,23,23
2014/09/23 00:06:28,23,23,23
Datetime,1,2
2014/09/23 00:06:28,23,23
"""

AGGREGATE_BY_KEY = """Datetime,04C05B800ACE.panels.A1_Vin,04C05B800ACE.panels.A2_Vin
2014/09/23 00:06:23,23,23
2014/09/23 00:06:24,23,23
2014/09/23 00:06:25,23,23
2014/09/23 00:06:26,23,23
2014/09/23 00:06:27,23,23
2014/09/23 00:06:28,23,23
Datetime,04C05B800ACE.panels.A1_Vin
2014/09/23 00:06:28,23
"""

COMBINED = """DATE TIME, 1, 2

2016/08/16 08:00:00.000, 1170, 35

2016/08/16 08:01:00.000, 1175, 36

2016/08/16 08:02:00.000, 1195, 38

2016/08/16 08:03:00.000, 1216, 50
"""
"""For `agg=hour`, it is said above it, while the table has `level`; and these are minutes."""

SUMMARY = b"""{
  "summary": {
    "lifetime_energy_dc": 18607879.27,
    "ytd_energy_dc" : 500.32,
    "daily_energy_dc": 0,
    "updated_on": "2014-11-18T00:00:00-08:00",
    "last_power_dc": 0
  }
}"""

ALERTS = rb"""{
  "alerts": [
    {
      "alert_id": 1,
      "added": "2018-08-01T09:09:05-07:00",
      "generated": "2018-08-01T09:08:20-07:00",
      "system_id": 1,
      "unique_id": 106,
      "title": "Tigo Alert: String Shutdown",
      "message": "String ID: \n- String F (2018-07-31 14:22, 2018-07-31 14:42, 2018-07-31 14:57)",
      "description": "<p>Your Tigo system has detected a string of PV modules that has shutdown.</p>"
    }
  ]
}"""
