"""What was judged, in the formats that CI services read: JUnit XML and SARIF."""
